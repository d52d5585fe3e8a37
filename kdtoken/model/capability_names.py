"""Names of app capabilities whose SID is a hash of the name (S-1-15-3-1024-*).

Sources: "App capability declarations" (general, device, restricted and custom capabilities), the capabilities of
the less-privileged app container (lpac*) that Chromium's sandbox names, and System Informer's public list for
those that only Windows components declare. Those with a number of their own are in ``sid_derive``.
"""

from __future__ import annotations

from typing import Tuple

CAPABILITY_NAMES: Tuple[str, ...] = tuple(
    """
    accessoryManager activity allJoyn allowElevation allAppMods appBroadcast appBroadcastServices
    appCaptureServices appCaptureSettings appDiagnostics appLicensing applicationDefaults appointmentsSystem
    audioDeviceConfiguration backgroundMediaPlayback backgroundMediaRecording backgroundSpatialPerception
    backgroundVoIP biometricSystem blockedChatMessages bluetooth bluetoothAdapter bluetoothSync
    broadFileSystemAccess browserCredentials cameraProcessingExtension cellularData cellularDeviceControl
    cellularDeviceIdentity cellularMessaging chat chatSystem childWebContent chromeInstallFiles cloudExperienceHost
    cloudStore codeGeneration comPort confirmAppClose constrainedImpersonation contactsSystem coreShell
    cortanaPermissions cortanaSettings customInstallActions developerSettings developmentModeNetwork
    deviceEncryptionManagement deviceLockManagement deviceManagementAdministrator
    deviceManagementDeviceLockPolicies deviceManagementDmAccount deviceManagementEmailAccount
    deviceManagementFoundation deviceManagementRegistration deviceManagementWapSecurityPolicies
    devicePortalProvider deviceUnlock diagnostics downloadsFolder dualSimTiles email emailSystem
    enterpriseCloudSSO enterpriseDataPolicy enterpriseDeviceLockdown expandedResources extendedBackgroundTaskTime
    extendedExecutionBackgroundAudio extendedExecutionCritical extendedExecutionUnconstrained
    firstSignInSettings fullFileSystemAccess gameBarServices gameConfigStoreManagement gameList gameMonitor
    gazeInput globalMediaControl graphicsCapture graphicsCaptureProgrammatic graphicsCaptureWithoutBorder
    hevcPlayback hidTelephony holographicCompositor humanInterfaceDevice humanPresence imeSystem
    indexedContent inProcessMediaExtension inputForegroundObservation inputInjection inputInjectionBrokered
    inputObservation inputSuppression interopServices isolatedWin32-accessToPublisherDirectory
    isolatedWin32-dotNetBreadcrumbStore isolatedWin32-print isolatedWin32-profilesRootMinimal
    isolatedWin32-promptForAccess isolatedWin32-shellExtensionContextMenu isolatedWin32-sysTrayIcon
    isolatedWin32-userProfileMinimal isolatedWin32-volumeRootMinimal kinectAudio kinectVision languageSettings
    learningModeLogging liveIdService localSystemServices location locationHistory locationSystem lockScreenCreatives
    lowLevel lowLevelDevices lpacAppExperience lpacChromeInstallFiles lpacChromeNetworkSandbox lpacClipboard lpacCom
    lpacCryptoServices lpacDeviceAccess lpacEdgeWdagComms lpacEnterprisePolicyChangeNotifications
    lpacIdentityServices lpacIME lpacInstrumentation lpacMedia lpacMediaFoundationCdmData
    lpacPackageManagerOperation lpacPayments lpacPnPNotifications lpacPrinting lpacServicesManagement
    lpacSessionManagement lpacWebPlatform mediaFoundationCdmFiles microphone
    Microsoft.classicAppCompat_8wekyb3d8bbwe Microsoft.classicAppCompatElevated_8wekyb3d8bbwe
    Microsoft.classicAppInstaller_8wekyb3d8bbwe Microsoft.delegatedWebFeatures_8wekyb3d8bbwe
    Microsoft.deployFullTrustOnHost_8wekyb3d8bbwe Microsoft.requiresNonSMode_8wekyb3d8bbwe
    microsoftEdgeRemoteDebugging modifiableApp networkConnectionManagerProvisioning networkDataPlanProvisioning
    networkDataUsageManagement networkDeviceSettings networkDiagnostics networkingVpnProvider nfcSystem
    notificationsDeviceSettings objects3D oemDeployment oemPublicDirectory offlineMapsManagement oneProcessVoIP
    optical packageContents packageManagement packagePolicySystem packageQuery
    packageWriteRedirectionCompatibilityShim packagedServices perceptionMonitoring permissiveLearningMode phoneCall
    phoneCallHistory phoneCallHistoryPublic phoneCallHistorySystem phoneCallSystem phoneLineTransportManagement
    pointOfService policyManager previewHfx previewInkWorkspace previewPenWorkspace previewStore
    previewUiComposition protectedApp proximity radios recordedCallsFolder registryRead relatedPackages
    remoteFileAccess remotePassportAuthentication remoteSystem resetPhone runFullTrust screenDuplication
    secondaryAuthenticationFactor secureAssessment serialCommunication sessionImpersonation settingSyncConfiguration
    shellExperience shellExperienceComposer slapiQueryLicenseValue smbios sms smsSend smsSystem spatialPerception
    startScreenManagement storeAppInstallation storeLicenseManagement storeOptionalPackageInstallManagement
    systemDialog systemManagement targetedContent teamEditionDeviceCredential teamEditionExperience teamEditionView
    telemetryData thumbnailCache timezone uiAccess uiAutomation unvirtualizedResources usb userAccountInformation
    userDataAccountsProvider userDataSystem userDataTasks userManagementSystem userNotificationListener
    userPrincipalName userSigninSupport userSystemId userWebAccounts visualElementsSystem visualVoiceMail
    vmWorkerProcess voipCall walletSystem webcam wiFiControl wiFiDirect windowManagement windowsHelloCredentialAccess
    windowsPerformanceCounters xboxAccessoryManagement xboxBroadcaster xboxGameSpeechWindow
    """.split()
)
